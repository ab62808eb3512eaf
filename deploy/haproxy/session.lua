-- Ask the house whether a cookie is good, through the door `inside`, so that balancing and health
-- checks hold for the question, too. The status is left in txn.session_status.

core.register_action("ask_for_session", { "http-req" }, function(txn)
    local headers = {}
    for _, name in ipairs({ "cookie", "user-agent", "x-request-id", "x-forwarded-for" }) do
        local found = txn.http:req_get_headers()[name]
        if found then
            headers[name] = { found[0] }
        end
    end
    local answer = core.httpclient():get({
        url = "http://127.0.0.1:" .. os.getenv("BALANCER_INNER_PORT") .. "/api/v1/auth/sessions",
        headers = headers,
        timeout = 5000,
    })
    txn:set_var("txn.session_status", answer and answer.status or 0)
end)
