         MACRO
         M     &A,          FIRST                                      X
               &B=7         SECOND
         DC    AL1(&A,&B)
         MEND
         DC    C'A STRING THAT GOES ON FOR LONGER THAN ONE CARD        X00000010
               , IT''S TRUE'                                            00000020
         M     1,         ONE                                          X
               B=2        TWO
         M     3
***************************************************************************
         AIF   (1 EQ 1                           AND                   X
               2 EQ 2).X
         DC    C'NOT HERE'
.X       END
