"""Whether an app's login client may do what it has to and no more, and is used by the app."""
