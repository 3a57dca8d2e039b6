"""What a person sees in a browser: pages rendered on the server, live where a script runs, readable where none does.

How a screen is made (`notices.py` and `keys.py` are the two to copy):

- A screen is a module with functions as `async def show_keys(visit) -> View` and `async def revoke_key(visit) -> Go`,
  and a `…_screens()` that declares each once, as `Screen` (a page, GET) or `Action` (a form, POST) of `screen.py`:
  address, right, query values, place in the navigation. `screens.py` lists those functions. Nothing else is to be done:
  signing in, rights, CSRF, headers, errors, the frame around a page and the tests' rights matrix all come from the
  declaration.
- Data comes from `visit.services`, the parts that the API works with; never over HTTP. A screen asks them, makes
  a frozen Struct of what is to be shown (numbers and words, no logic for the template), and names a template.
- `visit.companies` limits a list (None: an operator who chose no company); `visit.company` is the one that a change is
  for. Use them in every query: they are what keeps one company's data from another. `visit.may("change")` says what to
  offer; the declaration's `right` is what refuses.
- An action ends in `Go(address, "What was done.")` (POST, redirect, GET). Where it raises `RingpostError` for a value
  (409, 422) the page named by `again` is shown once more with `visit.problem`, and `visit.form` to fill the form from.
- Lists page by the ledger's cursor: `CURSOR` among the query values, `m.pager(next)` in the template. Every filter is a
  query value in a GET form, so every view has an address that can be shared. `url(path, name=value)` makes addresses
  and keeps the chosen company; a None leaves the value out.
- Live: put `data-live="TOPIC …"` and an `id` on an element. When something of that topic changes (`live.py`), the
  browser loads the page's own address again and morphs that element, not while the pointer is over it (save with
  `data-moves`, where there is nothing to click) or a row of it is chosen (`pick.js`). A page says where the stream was
  before it was read, so that nothing between is missed. Rows keep an `id` of their own. Rendering is in
  one place only, and rights are checked where they always are. A new topic: a constant in `live.py`, and a call of
  `live.tell` where it changes (`node.py` has those there are).
- Templates extend `base.html`; macros are in `macros.html` (`m.time`, `m.badge`, `m.field`, `m.csrf`, `m.pager`,
  `m.refusal`, `m.empty`). Everything is escaped; there is no `|safe`. No `style=`, `on…=`, `<script>` text, `hx-on` or
  `js:`: the Content-Security-Policy refuses them and a test fails. Forms work without a script.
- Scripts are ES modules in `static/`, typed by JSDoc, found by `data-…` attributes; `app.js` loads those of every page,
  a screen's own goes into the block `head`. Styles are in `app.css` alone: use its variables and classes.
- Another page in a dialog: `<a href="…" data-dialog>` shows that page's `<main>` in a dialog where a script runs.
- Keyboard: rows that j and k walk have `data-row`; the first link in it is what enter follows.
- Tests: add the screen to the table in `tests/console/test_rights.py` (a test fails until it is there), what it does to
  a test of its own, and its address to `tests/browser/pages.py`: it is then looked at by axe, in each look and width,
  and with RINGPOST_TEST_PICTURES=FOLDER its pictures are left there for you to look at.
"""
