"""What lies in the bucket: uploads, tickets, markers, the results of stages, and what is published."""
