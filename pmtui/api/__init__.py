"""The REST API over a `ManagerControl`.

Read `endpoints` first: its table makes routes, OpenAPI and docs/rest-api.md. `app` binds each endpoint
to the method in `routes/` that answers it; `parameters` reads requests, `responses` and `sse` answer them; `auth` runs
before all of that, `http/` is the server below it. A new endpoint: one line in `endpoints`, a method in `routes/`.

    from pmtui.api.http.listener import listen

    listener = listen(host, port)                   # before the processes start; raises ListenError
    ...
    from pmtui.api.server import ApiServer          # afterwards: loads starlette and uvicorn

    server = ApiServer(control, token, listener)
    serving = asyncio.create_task(server.serve())   # until close() or cancellation
    await server.close()                            # within two seconds, even with open streams
"""
