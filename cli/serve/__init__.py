"""The HTTP door: `pixshelf serve`. A thin front on ml and storage, as the commands are.

Nothing here is imported but by that command: Starlette and uvicorn are the extra `serve`.
"""
