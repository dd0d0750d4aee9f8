"""What every request passes on its way in and out. What is about one app lives in that app."""
