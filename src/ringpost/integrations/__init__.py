"""What companies have installed: the one owner of integrations in memory, and every change to them."""
