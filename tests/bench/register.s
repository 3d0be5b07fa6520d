*  Eight instructions that stay in the registers.
REGISTER START 0
         COPY  FRAME
         LA    3,3
         LA    4,5
LOOP     AR    2,3
         XR    4,2
         SR    5,4
         LR    6,5
         NR    7,6
         OR    8,7
         AR    9,8
         BCT   1,LOOP
         LPSW  DONE
SVCENT   LPSW  WRONG
PGMENT   LPSW  WRONG
         END
