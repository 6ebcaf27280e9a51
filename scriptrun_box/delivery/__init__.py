"""What happens at the door; today as the sandbox plays it."""
