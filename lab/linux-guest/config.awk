# Turns the config drive's JSON files into lines for /init, one step each:
#   hostname NAME | key PUBLIC-KEY | peer ADDRESS | count N
#   link MAC MTU, then for each of its networks
#     dhcp | static ADDRESS/PREFIX, and route NETWORK/PREFIX GATEWAY
#   linked
# All of it in one process: under emulation a process costs more than all that this one does.

FNR == 1 && NR > 1 { value(""); rest = "" } # a file ends where the next begins
{ rest = rest $0 " " }

# JSON is read into values[path], e.g. values["links.0.id"], and the paths in order into paths[].  What is read is
# cut off the front of `rest`, a token at a time.
function blanks() { sub(/^[ \t\r]+/, "", rest) }

function string(    quote, part, out) {
	rest = substr(rest, 2)
	do {
		quote = index(rest, "\"")
		part = substr(rest, 1, quote - 1)
		rest = substr(rest, quote + 1)
		out = out part
		match(part, /\\*$/)
		if (RLENGTH % 2 == 1) out = out "\""
	} while (quote > 0 && RLENGTH % 2 == 1)
	if (index(out, "\\")) {
		gsub(/\\u..../, "?", out)
		gsub(/\\[nrtbf]/, " ", out)
		gsub(/\\/, "", out)
	}
	return out
}

function more() { blanks(); return rest ~ /^[^]}]/ }

function store(path, text) { values[path] = text; paths[path_count++] = path }

function value(path,    first, name, i) {
	blanks()
	first = substr(rest, 1, 1)
	if (first == "{" || first == "[") {
		rest = substr(rest, 2)
		for (i = 0; more(); i++) {
			name = i
			if (first == "{") { name = string(); sub(/^[ \t\r]*:/, "", rest) }
			value(path == "" ? name : path "." name)
			sub(/^[ \t\r]*,/, "", rest)
		}
		rest = substr(rest, 2)
	} else if (first == "\"") {
		store(path, string())
	} else {
		if (!match(rest, /^[-+.0-9A-Za-z]+/)) RLENGTH = 1
		store(path, substr(rest, 1, RLENGTH))
		rest = substr(rest, RLENGTH + 1)
	}
}

function bits(netmask,    parts, i, n, count) {
	split(netmask, parts, ".")
	for (i = 1; i <= 4; i++) for (n = parts[i]; n > 0; n = n * 2 % 256) count++
	return count + 0
}

function print_routes(network,    i, route) {
	for (i = 0; (route = network ".routes." i) ".gateway" in values; i++)
		print "route", values[route ".network"] "/" bits(values[route ".netmask"]), values[route ".gateway"]
}

function print_networks(link,    i, network) {
	for (i = 0; (network = "networks." i) ".type" in values; i++) {
		if (values[network ".link"] != link) continue
		if (values[network ".type"] == "ipv4_dhcp") print "dhcp"
		if (values[network ".type"] == "ipv4") {
			print "static", values[network ".ip_address"] "/" bits(values[network ".netmask"])
			print_routes(network)
		}
	}
}

function print_links(    i, link) {
	for (i = 0; (link = "links." i) ".id" in values; i++) {
		print "link", values[link ".ethernet_mac_address"], values[link ".mtu"] + 0
		print_networks(values[link ".id"])
		print "linked"
	}
}

END {
	value("")
	print "hostname", values["hostname"]
	for (i = 0; i < path_count; i++)
		if (paths[i] ~ /^public_keys\./) print "key", values[paths[i]]
	if ("meta.peer" in values) print "peer", values["meta.peer"]
	if ("meta.count" in values) print "count", values["meta.count"]
	print_links()
}
