"""Everything that touches the world: keys, disk, network, the local API and the commands."""
