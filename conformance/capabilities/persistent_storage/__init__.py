"""What an app has written stays, whatever ends."""
