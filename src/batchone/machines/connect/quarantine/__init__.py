"""What connections set aside: counted while it comes, kept bounded in the database, judged by people."""
