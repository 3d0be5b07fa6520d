#!/bin/sh
# A manual page for each subcommand that has none of its own: what --help says
# of it.  cli/manual.sh PROGRAM FOLDER; the pages come to stand in FOLDER.
set -eu
program=$1
folder=$2

# page NAME TITLE, of the text on standard input.
page() {
    printf '.TH %s 1 "" "Trapline" "User commands"\n' \
        "$(echo "$1" | tr 'a-z-' 'A-Z ' | tr ' ' -)"
    printf '.SH NAME\n%s \\- %s\n' "$(echo "$1" | sed 's/-/\\-/g')" "$2"
    echo '.SH DESCRIPTION'
    echo .nf
    sed 's/\\/\\e/g; s/-/\\-/g; s/^[.'"'"']/\\\&&/'
    echo .fi
    echo '.SH SEE ALSO'
    echo '.BR trapline (1),'
    echo '.BR trapline\-check (1),'
    echo '.BR trapline\-step (1),'
    echo '.BR trapline\-isa (5)'
}

mkdir -p "$folder"
"$program" --help |
    page trapline 'virtual machine monitors, to be read' >"$folder/trapline.1"
sed -n 's/^COMMAND(\([a-z]*\), *"\(.*\)")$/\1 \2/p' cli/commands.def |
    while read -r name title; do
        [ ! -e "popek-goldberg/trapline-$name.1" ] || continue
        "$program" "$name" --help |
            page "trapline-$name" "$title" >"$folder/trapline-$name.1"
    done
