"""PingPong Checkout V4: creating, querying and refunding payments, the payment page, and the notifier."""
