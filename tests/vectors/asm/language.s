         TITLE 'THE LANGUAGE, A LITTLE OF EACH'
         MACRO
&LABEL   SAY   &MSG,&TIMES=1
.* THIS COMMENT STAYS IN THE DEFINITION
* THIS ONE IS GENERATED
         LCLA  &I
&LABEL   DS    0H
.LOOP    AIF   (&I GE &TIMES).DONE
&I       SETA  &I+1
         LA    1,MSG&SYSNDX
         DC    AL1(&I),CL8&MSG
         AGO   .LOOP
.DONE    ANOP
         B     SKIP&SYSNDX
MSG&SYSNDX DC  C&MSG
SKIP&SYSNDX DS 0H
         MNOTE *,'SAID &MSG'
         MEND
         MACRO
         SUM   &LIST,&B
         GBLC  &TEXT
         LCLA  &T,&K,&N
         LCLC  &C(3)
&C(2)    SETC  'ABCDEF'(2,3)
&N       SETA  N'&LIST
&K       SETA  1
.NEXT    AIF   (&K GT &N).OUT
&T       SETA  &T+&LIST(&K)
&K       SETA  &K+1
         AGO   .NEXT
.OUT     DC    F'&T',C'&C(2).&TEXT.9'
         AIF   (T'&B EQ 'O').END
         AIF   ('&LIST' EQ '(1,2,3)' AND NOT (&T EQ 7)).END
         DC    C'&SYSLIST(1,2)&SYSLIST(2)&SYSECT'
.END     MEND
PROG     START X'100'
         PRINT DATA
         BALR  12,0
         USING *,12
         L     1,=F'42'
         L     2,=A(DATA)
         MVC   BUF,=CL8'HELLO'
         MVC   BUF(4),=F'42'            THE SAME LITERAL AGAIN
         MVC   0(3,2),BUF+1
         CLI   BUF,C'A'
         BE    OUT
         BNE   OUT
         NOP   0
         NOPR  0
         BR    14
         SAY   'HI',TIMES=2
HERE     SAY   'A&&B'
         GBLC  &TEXT
&TEXT    SETC  'GG'
         SUM   (1,2,3),X
         SUM   (4,3),Y
         SUM   5
         AIF   ('&TEXT' NE 'GG').SKIP   IN OPEN CODE
&TEXT    SETC  'OPEN'.'CODE'
.SKIP    DC    C'&TEXT'
         AIF   (T'OUT EQ 'I' AND L'BUF EQ 8).FINE
         DC    C'LOOKING AHEAD FAILED'
.FINE    ANOP
LAB      EQU   *-PROG
FWD      EQU   LAST-PROG
         LTORG
         LA    1,=C'POOL2'
OUT      LPSW  W
         CNOP  2,8
         IC    3,TAB(5)
         STM   14,12,12(13)
         SRP   PK,64-2,5
         AP    PK,=P'1'
         SVC   3
         ICM   1,B'0111',BUF
         IPK
         SIO   X'00E'
         STCK  BUF
         SLL   3,4
         STC   3,L'BUF
         MVC   BUF+1(L'BUF-1),                                         X
               BUF                      A CONTINUED STATEMENT
W        DC    0D'0',X'0002000000000000'
PK       DC    P'-123.45,7'
TAB      DC    3X'0102',B'101',Z'-12',H'-1,2.5E1',F'1E3',FS4'1.5'
FL       DC    E'1,-0.1',D'1E10',L'1'
DATA     DC    A(*,DATA+4,LAST-DATA),Y(5),S(BUF),S(4(3)),V(EXT)
BUF      DS    CL8
         DS    3D
         ORG   BUF
         DC    C'OVERLAID'
         ORG
CHAIN    CCW   X'01',BUF,X'20',L'BUF
LAST     DC    C'IT''S && DONE',X'F'
RECORD   DSECT
FIELD1   DS    F
FIELD2   DS    H
RECLEN   EQU   *-RECORD
PROG     CSECT
         PUSH  USING
         USING RECORD,3
         LH    4,FIELD2
         POP   USING
         EXTRN FOO
         DC    A(FOO,RECLEN)
         ENTRY DATA
         SPACE 2
OTHER    CSECT
         USING OTHER,11
         DC    A(OTHER,PROG,LAST-PROG)
         EJECT
         PRINT NOGEN
         SAY   'NOT SHOWN'
         END   PROG
