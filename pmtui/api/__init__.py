"""The REST API over a `Control`.

What has to be known before the processes start is cheap to import; what serves people is imported once they run:

    from pmtui.api.auth import load_token, require_own_token
    from pmtui.api.http.listener import listen

    token = load_token(data_folder, os.environ)     # raises TokenError
    require_own_token(host, token)                  # raises OpenHostError: exit 2
    listener = listen(host, port)                   # raises ListenError: exit 1; `listener.url` tells where
    ...                                             # the processes start
    from pmtui.api.server import ApiServer

    server = ApiServer(control, token, listener)
    serving = asyncio.create_task(server.serve())   # until close() or cancellation
    await server.close()                            # within two seconds, even with open streams
"""
