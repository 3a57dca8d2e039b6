"""The one door to 'accepted': validate, match, encode, commit, hand over."""
