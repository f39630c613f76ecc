"""Attacks on the council, each tried on the real code. What is shown is that nothing comes of them."""
