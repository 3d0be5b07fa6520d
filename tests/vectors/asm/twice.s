         TITLE 'TWICE - DOUBLE AN INTEGER BY DECIMAL ARITHMETIC'
TWICE    CSECT
         USING *,15
         STM   14,12,12(13)        SAVE THE CALLER'S REGISTERS
         L     2,0(1)              ADDRESS OF THE ARGUMENT
         L     3,4(1)              ADDRESS OF THE RESULT
         L     4,0(2)
         CVD   4,DWD               TO PACKED DECIMAL
         AP    DWD,DWD             DOUBLE IT
         CVB   5,DWD               BACK TO BINARY
         ST    5,0(3)
         LM    14,12,12(13)
         BR    14
DWD      DS    D
         END
