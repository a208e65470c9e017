"""Whether people reach an app: under a host name of the platform, encrypted, by nginx."""
