*  What an operating system does most, with no privileged instruction:
*  a table is searched, edited and summed in packed decimal, and a
*  routine is called through EX and BALR.
DIRECT   START 0
         COPY  FRAME
         LA    10,TABLE
LOOP     LM    2,5,0(10)
         CLI   0(10),C'A'
         BNE   STOP
         ICM   6,7,5(10)
         STM   2,5,64(10)
         LA    9,3
         EX    9,MOVE
         AP    SUM,ONE
         BXLE  2,4,NEXT
NEXT     LA    15,CALL
         BALR  14,15
         BCT   1,LOOP
         LPSW  DONE
CALL     SR    7,7
         IC    7,3(,10)
         SLA   7,2
         BR    14
MOVE     MVC   96(0,10),0(10)
SVCENT   DS    0H
PGMENT   DS    0H
STOP     LPSW  WRONG
SUM      DC    PL8'0'
ONE      DC    P'1'
         ORG   BASE+X'800'
TABLE    DC    64X'C1020304'
         END
