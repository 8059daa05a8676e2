# Flattens JSON to lines "path=value", e.g. links.0.id=tap1.  Line ends in strings become blanks.  What is read is
# cut off the front of `rest`, a token at a time: character by character would take seconds in an emulated guest.
{ rest = rest $0 " " }

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
		print path "=" string()
	} else {
		if (!match(rest, /^[-+.0-9A-Za-z]+/)) RLENGTH = 1
		print path "=" substr(rest, 1, RLENGTH)
		rest = substr(rest, RLENGTH + 1)
	}
}

END { value("") }
