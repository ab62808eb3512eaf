"""The metrics that rules, panels and the page about operating may name, with their labels."""

HISTOGRAM = "http_request_duration_seconds"
COUNTED = {  # name -> labels of ours
    HISTOGRAM: {"method", "route", "status"},
    "http_requests_in_progress": set[str](),
    "shop_api_db_pool_connections": {"state"},
    "shop_api_db_pool_size": set[str](),
    "shop_api_outbox_up": set[str](),
    "shop_api_outbox_waiting": set[str](),
    "shop_api_outbox_lag_seconds": set[str](),
    "shop_api_outbox_parked": set[str](),
    "shop_api_cache_lookups_total": {"cache", "result"},
    "shop_api_breaker_state": {"provider", "call"},
    "shop_api_rate_limit_refusals_total": {"limit"},
    "shop_api_sign_in_failures_total": {"reason"},
    "shop_api_orders_total": set[str](),
    "shop_api_applications_total": set[str](),
    "shop_api_events_sent_total": {"topic"},
    "shop_api_events_handled_total": {"topic", "result"},
    "shop_api_mails_total": {"result"},
}
SERIES = {
    **{name: labels for name, labels in COUNTED.items() if name != HISTOGRAM},
    HISTOGRAM + "_bucket": COUNTED[HISTOGRAM] | {"le"},
    HISTOGRAM + "_count": COUNTED[HISTOGRAM],
    HISTOGRAM + "_sum": COUNTED[HISTOGRAM],
}
BY_PROMETHEUS = {"up": set[str](), "ALERTS": {"alertname", "alertstate", "severity"}}
TARGET = {"job", "instance", "service"}  # labels that every scrape adds
