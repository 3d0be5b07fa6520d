#!/bin/sh
# What a reader would complain about: format, budgets, warnings of the other
# compiler.  BUILD, CPPFLAGS, WARN come from the Makefile.
set -u
BUILD=${BUILD:-build}
failed=0
fault() {
    echo "FAILED: $*"
    failed=$((failed + 1))
}

ours='base monitor s370 x86vmm popek-goldberg cli'
sources=$(find $ours tests -name '*.c' -o -name '*.h')

echo "== layers"
"$BUILD/check" layers || fault "layers"

echo "== budgets: a function fits a page, a file a sitting"
awk -f tests/budget.awk $sources || fault "budgets"

echo "== format"
if command -v clang-format >/dev/null; then
    clang-format --dry-run -Werror $sources || fault "run clang-format -i"
else
    echo "SKIPPED: no clang-format"
fi

echo "== both compilers, all warnings"
for cc in gcc clang; do
    if ! command -v $cc >/dev/null; then
        echo "SKIPPED: no $cc"
        continue
    fi
    for file in $sources; do
        case $file in
        tests/bench/* | tests/oracle/*) continue ;;
        tests/*.c) more=-Wno-missing-prototypes ;;
        *.h) continue ;;
        *) more= ;;
        esac
        $cc $WARN $CPPFLAGS $more -fsyntax-only "$file" ||
            fault "$cc: $file"
    done
done

echo "== cppcheck"
if command -v cppcheck >/dev/null; then
    cppcheck --quiet --std=c11 -I. --error-exitcode=1 \
        --enable=warning,portability --inline-suppr \
        --suppress=missingIncludeSystem $ours ||
        fault "cppcheck"
else
    echo "SKIPPED: no cppcheck"
fi
exit $((failed != 0))
