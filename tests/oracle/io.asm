*  Runs channel programs one after the other and keeps what the channels
*  said of each: the condition code and the CSW of the instruction, then
*  every CSW until the device is at rest, fetched by TEST I/O or brought by
*  interruptions.  tests/io_oracle.h has these addresses in C.
IO       CSECT
         USING IO,0
         DC    A(0,START)         restart new PSW
         ORG   IO+X'58'
         DC    X'00020000',A(X'E58')    external, SVC, program,
         DC    X'00020000',A(X'E60')    machine check, I/O
         DC    X'00020000',A(X'E68')
         DC    X'00020000',A(X'E70')
         DC    A(0,TAKEN)
         ORG   IO+X'200'
*  What the host sets, and the program's own
COUNT    DC    F'0'               cases
MODE     DC    F'0'               1: interruptions
CASES    DC    A(X'2000')         the first
SIZE     DC    A(X'400')          of each
FENCED   DC    A(X'180000')       a block that only key 3 may use
EMPTY    DC    8X'EE'             what is in storage before a CSW
SEEN     DC    H'0'               unit and channel status, all together
WAIT     DC    0D'0',X'FE02000000000000'
DONE     DC    X'00020000',A(0)   the end
TOOMANY  DC    X'00020000',A(X'BAD0')
MOST     DC    F'6'               CSWs of one case
         ORG   IO+X'400'
START    LA    1,X'38'
         L     2,FENCED
         SSK   1,2
         L     13,CASES
         L     12,COUNT
*  The instruction, its condition code and its CSW
NEXT     MVC   64(8),EMPTY
         MVC   72(4),4(13)        CAW
         MVC   BEGIN(2),2(13)
         LH    3,0(13)
         SR    6,6
         LA    5,112(13)
BEGIN    SIO   0(3)
         BALR  2,0
         SLL   2,2
         SRL   2,30
         STC   2,96(13)
         MVC   104(8,13),64
         XC    SEEN(2),SEEN
         CLI   96(13),1
         BH    ENDED
         BL    LOOK
         MVC   SEEN(2),68
*  Wait for as long as the device owes its end
LOOK     TM    MODE+3,1
         BZ    DRAIN
         CLI   2(13),X'9C'        only SIO, SIOF begin something
         BNE   DRAIN
         TM    SEEN,X'06'
         BNZ   DRAIN
         TM    SEEN+1,X'3F'
         BNZ   DRAIN
         LPSW  WAIT
TAKEN    OC    SEEN(2),68
         CH    3,58               whose interruption?
         BE    OWN
         LPSW  TOOMANY
OWN      BAL   14,RECORD
         B     LOOK
*  Then, or at once, fetch what there is; a busy device is asked again
DRAIN    MVC   64(8),EMPTY
         TIO   0(3)
         BC    2,DRAIN
         BC    9,ENDED
         TM    68,X'10'
         BO    DRAIN
         BAL   14,RECORD
         B     DRAIN
ENDED    A     13,SIZE
         BCT   12,NEXT
         LPSW  DONE
RECORD   MVC   0(8,5),64
         LA    5,8(5)
         LA    6,1(6)
         STC   6,97(13)
         C     6,MOST
         BCR   4,14
         LPSW  TOOMANY
         END
