"""The review's queues, decisions and words."""
