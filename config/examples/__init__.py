"""Requests and answers as the documentation shows them; the tests send each of them."""
