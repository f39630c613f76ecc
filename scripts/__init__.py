"""What the Makefile calls; nothing here is shipped."""
