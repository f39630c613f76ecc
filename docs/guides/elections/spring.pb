META
key;value
description;Spring budget of Mill Street
budget;3000
vote_type;approval
PROJECTS
project_id;cost;name
A;1200;A bread oven in the yard
B;900;Benches along the river
C;800;Repair the children's swing
D;1500;A ramp to the hall
E;250;Tools to lend
VOTES
voter_id;vote
1;A,C
2;A,C,E
3;A,D
4;A,B
5;B,D
6;B,D,E
7;D
8;C,E
9;A,D
10;B
