"""The local API: what the command, the pages and other programs on this machine ask of the node."""
