# Two machines' lines, ours first; known.def's rows before both.
function key_of(word) { return substr(word, 1, index(word, "=") - 1) }

FNR == 1 { file++ }
file == 1 {
    if ($0 !~ /^KNOWN\(/)
        next
    split($0, part, /[(,]/)
    gsub(/ /, "", part[2]); gsub(/ /, "", part[3]); gsub(/ /, "", part[4])
    known_who[++rows] = part[2]; known_case[rows] = part[3]
    known_key[rows] = part[4]
    next
}
file == 2 && /^end/ { ours_end = 1; next }
file == 3 && /^end/ { other_end = 1; next }
file == 2 && /^[0-9a-f]+\./ { ours[$1] = $0; order[++count] = $1; next }
file == 3 && /^[0-9a-f]+\./ { theirs[$1] = $0; if (!($1 in ours)) extra($1) }

function explained(name, key,    i, plain) {
    plain = name
    for (i = 1; i <= rows; i++)
        if (known_who[i] == who && name ~ ("^[0-9a-f]+[.]" known_case[i] "[.]") &&
            key ~ ("^(" known_key[i] ")$")) {
            used[i]++
            return 1
        }
    return 0
}

function extra(name) {
    if (explained(name, "line"))
        return
    print who ": " name ": a line that we have not"
    differences++
}

END {
    for (n = 1; n <= count; n++) {
        name = order[n]
        if (!(name in theirs)) {
            if (!explained(name, "line")) {
                print who ": " name ": a line that it has not"
                differences++
            }
            continue
        }
        compared++
        split(ours[name], a, " "); fields = split(theirs[name], b, " ")
        for (i = 2; i <= fields; i++)
            if (a[i] != b[i] && !explained(name, key_of(a[i]))) {
                print who ": " name ": " b[i] ", ours " a[i]
                differences++
            }
    }
    if (!ours_end) { print "we did not come to the end"; differences++ }
    if (!other_end && !explained("0.end.0", "line")) {
        print who " did not come to the end"
        differences++
    }
    for (i = 1; i <= rows; i++)
        if (known_who[i] == who && !used[i])
            print who ": known.def: " known_case[i] " " known_key[i] " is not needed"
    print who ": " compared + 0 " exits compared, " differences + 0 \
        " unexplained differences"
    exit differences > 0
}
