# Length of functions and files: awk -f tests/budget.awk FILE...
# A function begins with '{' in column 1 and ends with '}' there.
BEGIN {
    FUNCTION = 60 # lines with its braces; aim at 45
    FILE = 600    # lines; aim at 500
    WIDTH = 80    # columns; rows of tables may be wider
}
FNR == 1 {
    finish()
    file = FILENAME
    files++
}
/^\{/ { begin = FNR }
/^\}/ && begin {
    n = FNR - begin + 1
    functions++
    lengths[n]++
    if (n > FUNCTION)
        complain(FILENAME ":" begin ": a function of " n " lines")
    begin = 0
}
length($0) > WIDTH && !/"/ && FILENAME ~ /\.[ch]$/ {
    complain(FILENAME ":" FNR ": " length($0) " columns")
}
{ last = FNR; total++ }
END {
    finish()
    printf "%d files, %d lines, %d functions; half of them up to %d lines, " \
           "nine tenths up to %d\n", files, total, functions, \
           quantile(0.5), quantile(0.9)
    exit faults != 0
}
function finish() {
    if (file && last > FILE)
        complain(file ": " last " lines")
}
function complain(what) {
    print what
    faults++
}
function quantile(q,    n, sum) {
    for (n = 0; sum < q * functions; n++)
        sum += lengths[n]
    return n - 1
}
