" Vim syntax file: machines described for `trapline check` (trapline-isa(5)).
" Into syntax/ of a vimfiles folder, with this line in ftdetect/isa.vim:
"   autocmd BufRead,BufNewFile *.isa setfiletype isa
" The words are held against the parser by tests/test_pg_manual.c.
if exists("b:current_syntax")
  finish
endif

syn keyword isaDeclaration machine like address word memory timing const
syn keyword isaDeclaration register resource switch clock duplicate monitor
syn keyword isaDeclaration instruction without intercept needs trap
syn keyword isaSaid claim list note repair leaves_out
syn keyword isaClause as of covers scaled enforced beyond
syn keyword isaClause source confidence differs
syn keyword isaSubject t1 t2 t3 exact hybrid efficiency
syn keyword isaVerdict holds fails privileged critical innocuous
syn keyword isaKind operand system_call
syn keyword isaConditional when else
syn keyword isaOperator and or not cat mem
syn keyword isaConstant user supervisor unpredictable
syn keyword isaBuiltin mode pc base bound

syn match isaArrow "<-"
syn match isaNumber "\<\(0x\x\+\|0b[01]\+\|\d\+\)\>"
syn region isaText start=+"+ end=+"+ oneline
syn match isaComment "#.*$" contains=isaTodo
syn keyword isaTodo TODO FIXME contained

hi def link isaDeclaration Keyword
hi def link isaSaid PreProc
hi def link isaClause Statement
hi def link isaSubject Identifier
hi def link isaVerdict Type
hi def link isaKind Type
hi def link isaConditional Conditional
hi def link isaOperator Operator
hi def link isaConstant Constant
hi def link isaBuiltin Special
hi def link isaArrow Operator
hi def link isaNumber Number
hi def link isaText String
hi def link isaComment Comment
hi def link isaTodo Todo

setlocal commentstring=#\ %s iskeyword=@,48-57,_
let b:current_syntax = "isa"
