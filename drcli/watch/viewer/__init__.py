"""The viewer: one page in the browser that shows the runs and models of a workspace.

`viewer_process` starts and stops its server, `viewer_server` is that server. The server only reads: its page cannot
start or change anything. Each tab of the page has a JavaScript module in `static/panels/` and, for its data, a module
`routes_*` here with a function `routes(context) -> list[Route]`, named in `viewer_app.ROUTES`.
"""
