"""The one public port: websockets, HTTP, and what stands between them and the network."""
