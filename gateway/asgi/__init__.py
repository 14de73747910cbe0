"""Floor 6, the doors: ASGI intake, middleware, proxy and the admin plane."""
