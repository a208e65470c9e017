"""Whether an app that is taken over by somebody takes the server with it."""
