"""Parts on hosts of their own: network namespaces on a bridge, with real addresses and real links."""
