"""The demonstration: real nodes on this machine, and people who decide something together."""
