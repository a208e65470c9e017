"""A new version of an app is built, tested and released without anybody's hand."""
