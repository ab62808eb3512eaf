"""Facts that the shop publishes, in the past tense; topic `orders`, key = the order's id."""

TOPIC = "orders"

ORDER_PLACED = "order.placed"
ORDER_PAID = "order.paid"
ORDER_CANCELLED = "order.cancelled"
