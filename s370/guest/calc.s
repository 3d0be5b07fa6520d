         TITLE 'CALC - A DESK CALCULATOR ON THE CONSOLE'
***********************************************************************
*  CALC reads a line like  1234 * 56  from the console and answers.   *
*  It knows + - * /, and ends at the word END.  One program, nothing  *
*  beside it; but in extended-control (EC) mode, with decimal         *
*  arithmetic, and with a program interruption for division by zero.  *
***********************************************************************
CALC     START 0
         USING CALC,0                   below 4096: no base register
*
*  IPL, and a press of RESTART, load the PSW at 0.  An EC-mode PSW has
*  its I/O mask in bit 6, its wait state in bit 14, its condition code
*  and program mask in the third byte, and the address in the last
*  word.  Interruption codes go to locations of their own.
*
         DC    X'000C0000',A(BEGIN)
         ORG   CALC+40
PGMOLD   DS    D
         ORG   CALC+56
IOOLD    DS    D
CSW      DS    D
CAW      DS    F
         ORG   CALC+88
         DC    X'000E0000',A(X'E88')    external, SVC: not expected
         DC    X'000E0000',A(X'E96')
         DC    X'000C0000',A(PGMENT)    program
         DC    X'000E0000',A(X'EFF')    machine check
         DC    X'000C0000',A(IOENT)     I/O
         ORG   CALC+142
PGMCODE  DS    H                        program-interruption code
         ORG   CALC+186
IOADDR   DS    H                        I/O address
         ORG   CALC+X'200'
*
BEGIN    LA    2,HELLO
         BAL   10,DOIO
NEXT     MVI   INPUT,C' '
         MVC   INPUT+1(L'INPUT-1),INPUT
         LA    2,READ
         BAL   10,DOIO
         TR    INPUT,UPPER              END may be typed as end
         CLC   INPUT(4),=C'END '
         BE    FAREWELL
         LA    1,INPUT
         BAL   9,NUMBER
         ZAP   LEFT,VALUE
         BAL   9,BLANKS
         IC    8,0(1)                   the operator
         LA    1,1(1)
         BAL   9,NUMBER
         BAL   9,BLANKS
         CL    1,=A(INPUTEND)           nothing may follow
         BNE   WRONG
         LA    3,OPTAB
LOOKUP   IC    4,0(3)
         CLR   4,8
         BE    OPFOUND
         LA    3,4(3)
         CLI   0(3),0
         BNE   LOOKUP
*
WRONG    LA    2,SAYWRONG
         BAL   10,DOIO
         B     NEXT
OPFOUND  L     3,0(3)
         BR    3
*
*  The operators.  The answer has 31 digits; MP wants as many zeros on
*  its left as the multiplier has bytes, which ZAP to 16 bytes gives.
*
PLUS     AP    LEFT,VALUE
         B     ANSWER
MINUS    SP    LEFT,VALUE
         B     ANSWER
TIMES    MP    LEFT,VALUE
         B     ANSWER
OVER     DP    LEFT,VALUE               to quotient and remainder
         ZAP   REST,LEFT+8(8)
         ZAP   LEFT,LEFT(8)
         BAL   9,EDIT
         MVC   0(11,7),=C' REMAINDER '
         LA    7,11(7)
         UNPK  0(15,7),REST             digits, and in the last a sign
         OI    14(7),X'F0'
         LA    8,14                     leading zeros away, but not
OVERTRIM CLI   0(7),C'0'                all fifteen
         BNE   OVEREND
         MVC   0(14,7),1(7)
         BCT   8,OVERTRIM
OVEREND  LA    7,1(7,8)
         B     REPLY
ANSWER   BAL   9,EDIT
REPLY    LA    2,WRITE
         LA    3,OUTPUT
         SR    7,3                      length of the line
         STH   7,WRITE+6
         BAL   10,DOIO
         B     NEXT
*
*  EDIT: "= " and LEFT without leading zeros; 7: behind it.  EDMK puts
*  the address of the first significant digit into register 1, unless
*  it is behind the significance starter; then that is the place.
*
EDIT     MVI   OUTPUT,C' '
         MVC   OUTPUT+1(L'OUTPUT-1),OUTPUT
         MVC   DIGITS,PATTERN
         LA    1,DIGITS+31
         EDMK  DIGITS,LEFT
         MVI   OUTPUT,C'='
         LA    7,OUTPUT+2
         BNM   EDITPLUS                 of the number edited
         MVI   0(7),C'-'
         LA    7,1(7)
EDITPLUS LA    3,DIGITS+31              the last digit
         SR    3,1
         EX    3,EDITMOVE
         LA    7,1(3,7)
         BR    9
EDITMOVE MVC   0(0,7),0(1)
*
*  NUMBER: the number at (1) to VALUE; 1: behind it.
*
NUMBER   LR    5,9
         BAL   9,BLANKS
         LR    9,5
         LR    5,1
DIGIT    CLI   0(1),C'0'
         BL    NODIGIT
         CLI   0(1),C'9'
         BH    NODIGIT
         LA    1,1(1)
         B     DIGIT
NODIGIT  LR    6,1
         SR    6,5                      how many digits
         BZ    WRONG
         CH    6,=H'15'
         BH    WRONG
         BCTR  6,0
         EX    6,PACKIT
         BR    9
PACKIT   PACK  VALUE,0(0,5)
*
*  BLANKS: 1 goes to the first byte that is no blank, or to the end.
*
BLANKS   CLI   0(1),C' '
         BNER  9
         CL    1,=A(INPUTEND)
         BNLR  9
         LA    1,1(1)
         B     BLANKS
*
*  DOIO: do the channel program at (2) and wait for its end.
*
DOIO     ST    2,CAW
         SIO   X'01F'
         BC    1,STOP                   there is no console
         BC    6,DOIO                   busy, or status: once more
DOWAIT   LPSW  WAITPSW
*
*  The interruption replaces the wait.  An attention of the operator,
*  who need not call us, is not the end of the operation.
*
IOENT    TM    CSW+4,X'04'              device end?
         BZ    DOWAIT
         BR    10
*
*  The only program interruption that we expect: decimal divide.
*
PGMENT   CLI   PGMCODE+1,X'0B'
         BNE   STOP
         LA    2,SAYZERO
         BAL   10,DOIO
         B     NEXT
*
FAREWELL LA    2,SAYBYE
         BAL   10,DOIO
STOP     LPSW  STOPPSW
*
         DS    0D
WAITPSW  DC    X'020E0000',A(0)         wait for I/O
STOPPSW  DC    X'000E0000',A(X'E0D')    the end
READ     CCW   X'0A',INPUT,X'20',L'INPUT
WRITE    CCW   X'09',OUTPUT,X'20',0
HELLO    CCW   X'09',TEXT1,X'20',L'TEXT1
SAYWRONG CCW   X'09',TEXT2,X'20',L'TEXT2
SAYZERO  CCW   X'09',TEXT3,X'20',L'TEXT3
SAYBYE   CCW   X'09',TEXT4,X'20',L'TEXT4
TEXT1    DC    C'CALC: TYPE 12 + 34, OR - * /, OR END.'
TEXT2    DC    C'? I KNOW NUMBER, OPERATOR, NUMBER.'
TEXT3    DC    C'? NOBODY DIVIDES BY ZERO.'
TEXT4    DC    C'CALC: THE END.'
         DS    0F
OPTAB    DC    C'+',AL3(PLUS)
         DC    C'-',AL3(MINUS)
         DC    C'*',AL3(TIMES)
         DC    C'/',AL3(OVER)
         DC    X'00'
LEFT     DS    PL16
VALUE    DS    PL8
REST     DS    PL8
PATTERN  DC    X'40',29X'20',X'2120'
DIGITS   DS    CL32
INPUT    DS    CL60
INPUTEND DC    C' '                     BLANKS may look here
OUTPUT   DS    CL80
UPPER    DC    256AL1(*-UPPER)          a to z become A to Z
         ORG   UPPER+X'81'
         DC    C'ABCDEFGHI'
         ORG   UPPER+X'91'
         DC    C'JKLMNOPQR'
         ORG   UPPER+X'A2'
         DC    C'STUVWXYZ'
         ORG   UPPER+256
         LTORG
         END   BEGIN
