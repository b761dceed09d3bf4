"""What people read: the page, its pictures, the summary in the terminal."""
