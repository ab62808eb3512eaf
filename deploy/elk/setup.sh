#!/usr/bin/env bash
# What Elasticsearch and Kibana must know once; a second run changes nothing.
#   setup.sh elasticsearch   the users of Kibana and Filebeat, how long lines are kept
#   setup.sh kibana          the data view
# Wants ELASTIC_PASSWORD; elasticsearch also KIBANA_PASSWORD and FILEBEAT_PASSWORD.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")

# Standard input is what to send: neither it nor the password is an argument, which others could see.
send() {
  local said
  said=$(curl --silent --show-error --fail-with-body --max-time 30 --request "$1" "$2" \
    --config <(printf 'user = "elastic:%s"\n' "${ELASTIC_PASSWORD:?is missing}") \
    --header "Content-Type: application/json" --header "kbn-xsrf: setup" --data-binary @-) ||
    { echo "$2: $said" >&2; exit 1; }
}

for name in ELASTIC_PASSWORD KIBANA_PASSWORD FILEBEAT_PASSWORD; do
  [[ ${!name:-} != *[\"\\]* ]] || { echo "$name must have no quotation mark and no backslash." >&2; exit 2; }
done

case ${1:-} in
  elasticsearch)
    url=${ELASTICSEARCH_URL:-http://elasticsearch:9200}
    send POST "$url/_security/user/kibana_system/_password" <<<"{\"password\": \"$KIBANA_PASSWORD\"}"
    # It may add lines and make the stream that takes them, and cannot read or delete any.
    send PUT "$url/_security/role/shop_api_filebeat" <<<'{"cluster": ["monitor"],
      "indices": [{"names": ["logs-shop_api-*"], "privileges": ["create_doc", "auto_configure"]}]}'
    send PUT "$url/_security/user/shop_api_filebeat" \
      <<<"{\"password\": \"$FILEBEAT_PASSWORD\", \"roles\": [\"shop_api_filebeat\"]}"
    send PUT "$url/_index_template/logs-shop_api" <"$here/index-template.json"
    echo "Elasticsearch takes the log." ;;
  kibana)
    url=${KIBANA_URL:-http://kibana:5601}
    send POST "$url/api/data_views/data_view" <"$here/data-view.json"
    send POST "$url/api/data_views/default" <<<'{"data_view_id": "shop-api", "force": true}'
    echo "Kibana shows the log." ;;
  *) sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
