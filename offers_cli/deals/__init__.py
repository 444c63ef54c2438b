"""Which offers are worth showing, judged against the prices that were recorded of them."""
