*  Nineteen instructions as programs have them: loads, stores, a move
*  and a comparison of 16 bytes, branches taken and not, a subroutine.
MIXED    START 0
         COPY  FRAME
         LA    10,FROM
         LA    11,TO
LOOP     L     5,0(,10)
         A     5,4(,10)
         ST    5,8(,11)
         LH    6,2(,10)
         STH   6,4(,11)
         LA    7,1(,6)
         SLL   7,3
         MVC   32(16,11),32(10)
         CLC   64(16,11),64(10)
         BC    7,STOP
         TM    0(10),X'10'
         BC    8,STOP
         BAL   14,SUB
         CL    5,4(,10)
         BC    0,STOP
         IC    8,1(,10)
         BCT   1,LOOP
         LPSW  DONE
SUB      NR    7,6
         BCR   15,14
SVCENT   DS    0H
PGMENT   DS    0H
STOP     LPSW  WRONG
         ORG   BASE+X'800'
FROM     DC    64X'12345678'
TO       DC    64X'12345678'
         END
