"""What the web applications of both programs share."""
