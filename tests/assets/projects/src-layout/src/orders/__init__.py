__version__ = "4.5.6"
value = "orders"
