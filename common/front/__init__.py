"""The REST front: HTTP in, one transaction each to a topology's client, its fate back as HTTP.

Read in this order: ``request`` (what a request asks for), ``transactions`` (who waits for what),
``exchange`` (one request and its response, on Tornado), ``problem`` (fates and errors as HTTP), ``server``
(all of it, put together).
"""
