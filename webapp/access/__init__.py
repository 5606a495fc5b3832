"""Who comes in: sign-in pages, sessions, tokens, proxies and OpenID Connect, before any other part of the app."""
