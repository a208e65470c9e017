"""Whether the platform makes the volumes that an app asks for, and the app uses them."""
