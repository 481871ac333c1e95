"""What people plan ahead: sessions offered by the clock."""
